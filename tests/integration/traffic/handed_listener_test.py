# SPDX-License-Identifier: Apache-2.0
"""Listening sockets that the service manager holds: the test plays systemd, and hands one to a daemon that it starts anew."""
import contextlib
import re
import socket
import subprocess
import time

from kit import programs

FIRST = 3  # sd_listen_fds(3)


@contextlib.contextmanager
def held(port):
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(512)
        yield listener


def run_with(site, name, configuration, listener):
    """As systemd starts a service with a socket unit."""
    script = f'exec {FIRST}<&{listener.fileno()}; export LISTEN_FDS=1 LISTEN_PID=$$; exec "$@"'
    with open(site.folder / f"{name}.handed", "ab") as log:
        site.alone[name] = programs.start(["/bin/bash", "-c", script, "bash", programs.program(name), "--config", site.folder / configuration],
                                          log, pass_fds=(listener.fileno(),))


def ask(port, path):
    return subprocess.Popen(["curl", "-ks", "--max-time", "60", "-o", "/dev/null", "-w", "%{http_code}", f"https://127.0.0.1:{port}{path}"],
                            stdout=subprocess.PIPE, text=True)


def come_while_nobody_serves(port, path, count=20):
    askers = [ask(port, path) for _ in range(count)]
    programs.until("all have come", lambda: waiting(port) >= count, 20)
    return askers


def waiting(port):
    """In the listener's queue, by the kernel's own count."""
    lines = subprocess.run(["ss", "-ltnH", f"sport = :{port}"], capture_output=True, text=True, check=True).stdout.split()
    return int(lines[1])


def answers(askers):
    return [asker.communicate()[0] for asker in askers]


def test_who_comes_while_a_gateway_is_restarted_waits_and_is_served_by_the_next(own_site):
    own_site.stop("cmg-gateway")
    with held(own_site.port) as listener:
        for _ in range(2):
            askers = come_while_nobody_serves(own_site.port, "/nothing")
            time.sleep(6)  # longer than a newcomer may wait at a gateway that runs
            run_with(own_site, "cmg-gateway", "gateway.yaml", listener)
            assert "000" not in answers(askers)
            own_site.wait_ready()
            own_site.stop("cmg-gateway")
        own_site.run("cmg-gateway")


def test_who_comes_while_a_management_point_is_restarted_waits_and_is_served_by_the_next(own_site):
    port = int(re.search(r'listen: "?127\.0\.0\.1:(\d+)', (own_site.folder / "mp.yaml").read_text())[1])
    own_site.stop("cmg-mp")
    with held(port) as listener:
        askers = come_while_nobody_serves(port, "/SMS_MP/.sms_aut?MPLIST")
        run_with(own_site, "cmg-mp", "mp.yaml", listener)
        assert set(answers(askers)) == {"200"}


def test_a_socket_that_is_handed_to_another_process_is_left_alone(own_site, monkeypatch):
    """An environment that a daemon inherited from who started it says nothing of its own descriptors."""
    monkeypatch.setenv("LISTEN_PID", "1")
    monkeypatch.setenv("LISTEN_FDS", "1")
    own_site.stop("cmg-gateway")
    own_site.run("cmg-gateway")
    own_site.wait_ready()
