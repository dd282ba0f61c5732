"""Research groups: who leads them, who belongs to them."""
