"""What makes a list a community of practice, a file per practice. Pure, like core, which knows none of it."""
