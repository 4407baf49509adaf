"""What a team has written down: settings, the contract, what is addressed, and who acts."""
