"""A stand-in for the Graph API, for laptops and tests."""

# The id of the only business number there is in the sandbox.
NUMBER = "100000000000001"
