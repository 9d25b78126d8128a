"""A stand-in for the Graph API, for laptops and tests."""

# The id of the sandbox's only business number, the id of its account, and the number as it is written.
NUMBER = "100000000000001"
ACCOUNT = "200000000000002"
DISPLAY_PHONE = "15550100000"
# Fields of the account, not of a number.
ACCOUNT_FIELDS = (
    "account_alerts",
    "account_update",
    "message_template_status_update",
    "phone_number_quality_update",
)
