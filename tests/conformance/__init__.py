"""The third-party SCIM suites, against a throw-away server of ours each."""
