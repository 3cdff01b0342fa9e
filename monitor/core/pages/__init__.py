"""What people read and press: pages, cards, forms, plots and posts."""
