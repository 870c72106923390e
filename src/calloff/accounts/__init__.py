"""Who may call: accounts, users, developer keys, applications, deployments, trunks and permissions."""
