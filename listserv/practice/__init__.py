"""What makes a list a community of practice, one file per practice. Pure, like core, which knows none of it."""
