"""What a configuration takes from outside its file: key files, variables, folders that swap."""
