"""What officers and auditors look at before they decide, and while others work: the facts of a request, and
what is out of the ordinary."""
