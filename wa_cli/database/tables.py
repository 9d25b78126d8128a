"""The business's table as this program knows it. A test compares it with the result of the migrations."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

metadata = sa.MetaData()

whatsapp_messages = sa.Table(
    "whatsapp_messages",
    metadata,
    sa.Column("id", postgresql.UUID, primary_key=True, server_default=sa.text("gen_random_uuid()")),
    sa.Column("message_id", sa.String(128), unique=True, nullable=False),
    sa.Column("from_phone", sa.String(150), nullable=False),
    sa.Column("to_phone", sa.String(150)),
    sa.Column("message_type", sa.String(20), nullable=False),
    sa.Column("content", sa.Text),
    sa.Column("media_url", sa.String(2048)),
    sa.Column("media_type", sa.String(150)),
    sa.Column("media_size", sa.Integer),
    sa.Column("status", sa.String(20)),
    sa.Column("timestamp", sa.DateTime),
    sa.Column("context_message_id", sa.String(128)),
    sa.Column("webhook_raw_data", sa.JSON),
    sa.Column("created_at", sa.DateTime),
    sa.Column("updated_at", sa.DateTime),
    sa.Column("direction", sa.String(20)),
    sa.Column("delivered_at", sa.DateTime),
    sa.Column("read_at", sa.DateTime),
    sa.Column("template_name", sa.String(100)),
    sa.Column("template_params", sa.JSON),
    sa.Column("retry_count", sa.Integer),
    sa.Column("last_retry_at", sa.DateTime),
    sa.Column("failure_reason", sa.Text),
    sa.Column("employee_id", postgresql.UUID),
    sa.Column("campaign", sa.String(100)),
    sa.Column("sent_by", sa.String(20)),
    sa.Column("group_id", sa.String(150)),
    sa.Column("reference", postgresql.UUID),
    sa.Column("customer_user_id", sa.String(150)),
)
