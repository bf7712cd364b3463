"""Who a persona is and how it answers."""
