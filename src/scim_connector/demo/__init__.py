"""A college that lives for as long as you look: ``serve --demo``.

``stage`` sets up a new installation before it is served, ``director`` plays Entra ID and
Okta against it over HTTP as soon as it answers.  Everybody in it is made up.
"""
