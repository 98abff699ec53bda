# SPDX-License-Identifier: PostgreSQL
"""A private PostgreSQL for the fuzzer and the soak, and its connections."""

import os
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
import time

import psycopg2
import psycopg2.extensions

SETTINGS = """
shared_preload_libraries = 'trending'
wal_level = logical
max_prepared_transactions = 20
max_replication_slots = 20
max_worker_processes = 20
listen_addresses = ''
fsync = off
restart_after_crash = on
log_line_prefix = '%m [%p] %b '
timezone = 'UTC'
datestyle = 'ISO, YMD'
extra_float_digits = 3
trending.checkpoint_interval = '1s'
"""

PATIENCE = 60  # seconds for what has to come


class Cluster:
    """A server that is made in a new folder and removed with it. As root it runs as user postgres."""

    def __init__(self, pg_config, settings=()):
        self.bin = subprocess.check_output([pg_config, "--bindir"], text=True).strip()
        self.folder = tempfile.mkdtemp(prefix="trending-server-", dir="/var/tmp")
        self.data = os.path.join(self.folder, "data")
        self.log = os.path.join(self.folder, "log")
        self.user = "postgres" if os.geteuid() == 0 else None
        if self.user:
            entry = pwd.getpwnam(self.user)
            os.chown(self.folder, entry.pw_uid, entry.pw_gid)
        self._run("initdb", "-D", self.data, "-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8",
                  "--locale=C.UTF-8")
        conf = SETTINGS + f"unix_socket_directories = '{self.folder}'\n" + "".join(f"{s}\n" for s in settings)
        subprocess.run(self._as_user(["tee", "-a", self.data + "/postgresql.conf"]), input=conf, text=True,
                       check=True, stdout=subprocess.DEVNULL)
        self.start()

    def _as_user(self, command):
        return ["runuser", "-u", self.user, "--", *command] if self.user else command

    def _run(self, program, *arguments, check=True):
        return subprocess.run(self._as_user([os.path.join(self.bin, program), *arguments]), check=check,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/")

    def start(self):
        self._run("pg_ctl", "-D", self.data, "-l", self.log, "-w", "-t", str(PATIENCE), "start")

    def stop(self, mode="immediate"):
        self._run("pg_ctl", "-D", self.data, "-m", mode, "-w", "-t", str(PATIENCE), "stop", check=False)

    def remove(self):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def connect(self, database="postgres", autocommit=True):
        """A connection, waiting while the server recovers."""
        end = time.monotonic() + PATIENCE
        while True:
            try:
                connection = psycopg2.connect(host=self.folder, user="postgres", dbname=database,
                                              options=f"-c lock_timeout={PATIENCE}s")
                connection.autocommit = autocommit
                return connection
            except psycopg2.OperationalError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.1)

    def kill(self, pid):
        """Kills a process of the server, and waits until the server has ended all the others for it."""
        witness = self.connect()
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:  # it was about to end
            return
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            try:
                with witness.cursor() as cursor:
                    cursor.execute("SELECT 1")
            except psycopg2.Error:
                return
            time.sleep(0.02)
        raise TimeoutError(f"the server did not notice that process {pid} was killed")

    def complaints(self, killed):
        """Lines of the log that no run may leave: crashes but for those that were meant, and errors of the worker."""
        found = []
        with open(self.log, encoding="utf8", errors="replace") as log:
            for line in log:
                crash = re.search(r"\(PID (\d+)\) was terminated by signal", line)
                if crash and int(crash.group(1)) not in killed:
                    found.append(line.strip())
                elif re.search(r"PANIC:|TRAP:|terminated by signal 11|terminated by signal 6", line):
                    found.append(line.strip())
                elif re.search(r"trending (worker|launcher) (ERROR|FATAL):", line) and not re.search(
                        "terminating|shutting down|in recovery mode|not yet accepting", line):
                    found.append(line.strip())
        return found
