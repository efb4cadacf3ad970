"""What an exercise is: found on disk, declared, seeded, and told from another edition of it."""
