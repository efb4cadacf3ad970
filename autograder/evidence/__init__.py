"""What was seen, as plain data: observations of probes, cells as they ran, and both as bytes."""
