"""The JSON Schemas (2020-12) of every document that the engine reads or writes."""
