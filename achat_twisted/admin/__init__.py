"""An operator's hand: C{achat admin}, and what answers it."""
