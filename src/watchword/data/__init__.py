"""The data core: schema, reads and writes under rules, compiled to SQL."""
