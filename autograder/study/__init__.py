"""Coming back to what was read: cards, when each is due, and what one is ready for.

Nothing here is stored. Cards are made from lessons and passed tasks, and what is remembered
follows from the reviews in the journal.
"""
