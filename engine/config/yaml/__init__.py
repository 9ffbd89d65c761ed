"""A YAML file, read as the Go program reads it -> plain values with their lines."""
