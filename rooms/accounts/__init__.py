"""Accounts: people who have given an email and a password. allauth does the work; here is what
makes it Parlor's."""
