"""An application of Django: its models and migrations."""
