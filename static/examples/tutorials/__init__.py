"""The tutorials' data."""
