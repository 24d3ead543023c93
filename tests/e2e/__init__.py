"""The gate with real third parties: nginx, an OpenID provider from npm, Chromium."""
