"""What the tests are made with: real servers on loopback, real mails, and no mock of anything."""
