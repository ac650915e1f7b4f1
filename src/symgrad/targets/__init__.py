"""What a program becomes: lists of passes, and what prints it."""
