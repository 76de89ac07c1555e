"""What the documentation site is made with: its settings, the pages made from the code, and pictures of real runs."""
