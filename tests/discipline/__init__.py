"""How well the tests hold what everything else stands on: branches covered, and planted faults that are found."""
