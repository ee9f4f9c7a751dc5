"""Graphs as data: ``GraphDef``, its JSON, and back."""
