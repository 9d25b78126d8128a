"""A stand-in for the Graph API, for laptops and tests."""

# The id of the only business number there is in the sandbox, its account's, and how the number is written.
NUMBER = "100000000000001"
ACCOUNT = "200000000000002"
DISPLAY_PHONE = "15550100000"
# Fields that are of the account, not of a number.
ACCOUNT_FIELDS = (
    "account_alerts",
    "account_update",
    "message_template_status_update",
    "phone_number_quality_update",
)
