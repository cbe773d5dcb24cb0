"""What figures and tables of all studies are made with."""
