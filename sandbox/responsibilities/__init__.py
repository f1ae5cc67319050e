"""What an officer answers for, and handing it over to a colleague when they leave."""
