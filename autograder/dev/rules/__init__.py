"""The promises that every exercise keeps, by what they are about."""
