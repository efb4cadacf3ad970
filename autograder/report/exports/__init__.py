"""Results of a class in the formats of other systems, a module each."""
