"""The status page: the documents of the status as HTML."""
