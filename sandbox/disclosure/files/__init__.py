"""What kind of file is this, by its content, and what is in it?"""
