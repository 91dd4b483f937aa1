"""Moto, with what a Regional failover needs and Moto 5.2 does not have.

Run as:  python extension.py -H 127.0.0.1 -p PORT

It takes the options of `moto_server`, patches a few of Moto's classes and then
starts Moto's own server. Each piece says which page of AWS it follows:

    drbot_aurora.py   SwitchoverGlobalCluster, FailoverGlobalCluster, their states and errors
    drbot_events.py   what DescribeEvents says of them
    drbot_ecs.py      running counts, deployments and target health that follow the desired count in time
    drbot_route53.py  the SOA record of a zone as it should read
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

    import moto.server

    import drbot_aurora
    import drbot_ecs
    import drbot_events
    import drbot_http
    import drbot_route53

    drbot_aurora.install()
    drbot_events.install()
    drbot_ecs.install()
    drbot_route53.install()
    drbot_http.install()
    moto.server.main(sys.argv[1:])


if __name__ == "__main__":
    main()
