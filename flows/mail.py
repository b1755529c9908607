"""Mail as a notification block of Prefect, sent by Apprise: mailtos://user:password@server?to=somebody@example.org."""

from prefect.blocks.notifications import AppriseNotificationBlock


class ArrearsMail(AppriseNotificationBlock):
    """Sends notices of nights by mail. Its url is Apprise's: https://github.com/caronc/apprise/wiki/Notify_email"""

    _block_type_name = "Arrears Mail"
