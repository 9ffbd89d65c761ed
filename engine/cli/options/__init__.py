"""The options of the commands, in groups, and the words that they accept."""
