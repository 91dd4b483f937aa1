"""Moto, with what a Regional failover needs and Moto 5.2 does not have.

Run as:  python extension.py -H 127.0.0.1 -p PORT

It takes the options of `moto_server`, patches a few of Moto's classes and then
starts Moto's own server. Each piece says which page of AWS it follows:

    drbot_aurora.py   SwitchoverGlobalCluster, FailoverGlobalCluster, their states and errors
    drbot_events.py   what DescribeEvents says of them
    drbot_ecs.py      running counts, deployments and target health that follow the desired count in time
    drbot_route53.py  the SOA record of a zone as it should read
    drbot_alarms.py   alarms that follow their metric, Route 53 health checks on them
    drbot_acm.py      certificates issued once their validation records exist
    drbot_directconnect.py  gateways, associations, virtual interfaces
    drbot_transfer.py SFTP servers: host keys, endpoints in a VPC, users
    drbot_backup.py   selections and changes of a plan
    drbot_ecr.py      creation templates, the status of an image's replication
    drbot_ec2.py      route propagation, detailed monitoring
    drbot_kms.py      replica keys of their own
    drbot_s3.py       replication that reads back whole, access logs
    drbot_secrets.py  the KMS key of a replica
    drbot_rds.py      what Moto forgets, ModifyGlobalCluster
    drbot_calls.py    how calls are added; a call nobody has is refused at once, by name
    drbot_cbor.py     the protocol that present SDKs speak to CloudWatch
    drbot_http.py     /drbot/...: the journal of promotions, the faults, the timings
    drbot_state.py    what the others share: one lock, one clock, the faults

Nothing here runs in the background: every state is worked out from timestamps
when it is read, so the answers depend on the clock alone.
"""

import os
import sys
import threading


def exit_with_parent() -> None:
    """End when the pipe on standard input closes.

    The parent holds the other end, so that a parent killed without warning
    leaves no server behind.
    """

    def wait() -> None:
        while sys.stdin.buffer.read(4096):
            pass
        os._exit(0)

    threading.Thread(target=wait, daemon=True).start()


def main() -> None:
    if os.environ.get("DRBOT_EXIT_WITH_PARENT") == "1":
        exit_with_parent()

    os.environ["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "true"  # roles attach AWS's own policies by name

    import moto.server

    import drbot_acm
    import drbot_alarms
    import drbot_aurora
    import drbot_backup
    import drbot_calls
    import drbot_directconnect
    import drbot_ec2
    import drbot_ecr
    import drbot_ecs
    import drbot_events
    import drbot_http
    import drbot_kms
    import drbot_rds
    import drbot_route53
    import drbot_s3
    import drbot_secrets
    import drbot_transfer

    for piece in (
        drbot_calls,
        drbot_aurora,
        drbot_events,
        drbot_ecs,
        drbot_route53,
        drbot_alarms,
        drbot_acm,
        drbot_directconnect,
        drbot_transfer,
        drbot_backup,
        drbot_ecr,
        drbot_ec2,
        drbot_kms,
        drbot_s3,
        drbot_secrets,
        drbot_rds,
        drbot_http,
    ):
        piece.install()
    moto.server.main(sys.argv[1:])


if __name__ == "__main__":
    main()
