# SPDX-License-Identifier: Apache-2.0
"""The servers that are compared: how each starts, where its files are, what it costs."""
import base64
import concurrent.futures
import glob
import itertools
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import ssl
import subprocess
import sys
import time
import uuid

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
sys.dont_write_bytecode = True
import wire  # noqa: E402

PASSWORD = "bench-password-1"
TICKS = os.sysconf("SC_CLK_TCK")
CIPHER = "TLS_AES_128_GCM_SHA256"  # the only one that the client offers


class Unavailable(Exception):
    """This server cannot be measured here: a sentence that says why."""


def free_port():
    for port in range(22650, 22700):
        s = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            s.bind(("127.0.0.1", port))
            s.close()
            if port not in free_port.given:
                free_port.given.add(port)
                return port
        except OSError:
            continue
    sys.exit("no free port in 22650-22699")


free_port.given = set()


def write(path, text):
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    return path


def chain(depth):
    """A chain of folders for small uploads: "put" is its first."""
    return "/".join(["put"] + ["deeper"] * (depth - 1))


class Files:
    """What all of them serve, and the certificate that those with TLS share."""

    def __init__(self, work, large, many, spaces, nodes, accounts):
        self.work, self.many, self.spaces, self.nodes, self.accounts = work, many, spaces, nodes, accounts
        self.rounds = itertools.count()
        self.places = self.find_places()
        self.small, self.large = os.path.join(work, "small"), os.path.join(work, "large")
        with open(self.small, "wb") as f:
            f.write(os.urandom(4096))
        with open(self.large, "wb") as f:
            block = os.urandom(1 << 20)
            for _ in range(large):
                f.write(block)
        self.large_gib = large / 1024
        self.certificate, self.key = os.path.join(work, "certificate.pem"), os.path.join(work, "key.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-keyout", self.key, "-out", self.certificate, "-days", "30", "-subj", "/CN=localhost"],
                       check=True, capture_output=True)
        os.chmod(self.key, 0o600)

    def find_places(self):
        """Folders for servers, those first in which new files are quick. ext4 does not use an inode again for minutes, and
        each new file looks through those that were removed near it: a server must not pay for what others removed before.
        With the attribute T the folders are spread over the disk."""
        subprocess.run(["chattr", "+T", self.work], capture_output=True, check=False)
        took = {}
        for i in range(24):
            place = os.path.join(self.work, "place%d" % i)
            os.mkdir(place)
            began = time.monotonic()
            for n in range(200):  # they stay: removing them would make the place slow
                open(os.path.join(place, "%d" % n), "wb").close()
            took[place] = time.monotonic() - began
        return sorted(took, key=took.get, reverse=True)

    def folders(self, needs):
        """Of names like d100: how many files they have."""
        return [(name, int(name[1:])) for name in sorted(needs) if re.fullmatch(r"d\d+", name)]


class Peer:
    """A server. Nothing runs before start()."""
    name, prefix, auth, tls = "", "/", None, False
    caches = False  # whether it sees files only that were there when it started

    def __init__(self, files):
        self.files = files
        self.work = files.places.pop()
        self.data = os.path.join(self.work, "data")
        os.makedirs(self.data)
        self.port = free_port()
        self.process = None
        self.filled = set()

    @property
    def url(self):
        return "%s://127.0.0.1:%d%s" % ("https" if self.tls else "http", self.port, self.prefix)

    def environment(self):
        return {}

    def start(self):
        """Seconds until the first answer."""
        log = open(os.path.join(self.work, "log"), "ab")
        command = self.command()
        began = time.monotonic()
        self.process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                                        env=dict(os.environ, **self.environment()))
        while time.monotonic() < began + 60:
            if self.process.poll() is not None:
                with open(log.name, encoding="utf-8", errors="replace") as f:
                    raise Unavailable("it ended with %s: %s" % (self.process.returncode, f.read().strip()[-300:]))
            try:
                c = wire.Connection("127.0.0.1", self.port, 10)
                if self.tls:
                    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
                    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
                    c.socket = context.wrap_socket(c.socket)
                c.send(b"OPTIONS %s HTTP/1.1\r\nHost: x\r\n\r\n" % self.prefix.encode())
                c.read_response("OPTIONS")
                c.close()
                return time.monotonic() - began
            except (OSError, wire.WireError):
                time.sleep(0.002)
        raise Unavailable("it doesn't answer")

    def running(self):
        return self.process is not None and self.process.poll() is None

    def ready(self, needs):
        """Runs, with the files of `needs`: small, large, put and chain() (folders), d100 and others (a folder of so many)."""
        missing = set(needs) - self.filled
        if missing and self.caches:
            self.stop()
        elif not self.running():
            self.start()
        if missing:
            self.fill(missing)
            self.filled |= missing
        if not self.running():
            self.start()

    def fill(self, needs):
        """Straight into the folder."""
        for need in ["put"] + [n for n in needs if n.startswith("put/")]:
            os.makedirs(os.path.join(self.data, need), exist_ok=True)
        for folder, count in self.files.folders(needs):
            os.makedirs(os.path.join(self.data, folder))
            for n in range(count):
                write(os.path.join(self.data, folder, "file-%05d.txt" % n), "x" * 100)
        for name in ("small", "large"):
            if name in needs:
                shutil.copy(getattr(self.files, name), os.path.join(self.data, name + ".bin"))
        subprocess.run(["chmod", "-R", "a+rwX", self.work], check=True)

    def processes(self):
        """The ids of the server and of all below it."""
        pids, found = [self.process.pid], []
        while pids:
            pid = pids.pop()
            try:
                for task in os.listdir("/proc/%d/task" % pid):
                    with open("/proc/%d/task/%s/children" % (pid, task), encoding="ascii") as f:
                        pids += [int(p) for p in f.read().split()]
                found.append(pid)
            except OSError:
                pass
        return found

    def memory(self, field):
        """Sum over the processes of VmRSS or VmHWM in MB."""
        total = 0
        for pid in self.processes():
            try:
                with open("/proc/%d/status" % pid, encoding="ascii") as f:
                    m = re.search(r"^%s:\s+(\d+) kB" % field, f.read(), re.M)
                total += int(m.group(1)) if m else 0
            except OSError:
                pass
        return total / 1024

    def cpu(self):
        """Processor seconds that its processes have used so far, in user and kernel."""
        total = 0
        for pid in self.processes():
            with open("/proc/%d/stat" % pid, encoding="ascii") as f:
                fields = f.read().rpartition(")")[2].split()
            total += int(fields[11]) + int(fields[12])
        return total / TICKS

    def stop(self):
        if self.running():
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


class Atoll(Peer):
    """`settings`: section -> lines of the configuration."""
    prefix = "/remote.php/webdav/"
    auth = "Basic " + base64.b64encode(("admin:" + PASSWORD).encode()).decode()
    sections = {"[server]": "", "[auth:local]": "plugin = auth-local", "[registry:main]": "plugin = registry-sql",
                "[storage:home]": "plugin = storage-posix", "[http:webdav]": "plugin = api-webdav",
                "[http:ocs]": "plugin = share-ocs"}

    def __init__(self, files, build, name="atoll", settings=None):
        self.name = name
        super().__init__(files)
        self.build, self.settings = build, dict(settings or {})
        self.metrics_port, self.made = free_port(), set()
        self.tls = "tls = files" in self.settings.get("[server]", "")

    @property
    def program(self):
        return os.path.join(self.build, "core/main/atoll")

    def configuration(self):
        sections = {name: text + "\n" + self.settings.get(name, "") for name, text in self.sections.items()}
        return "".join("%s\n%s\n\n" % (name, text) for name, text in sections.items()) + self.settings.get("more", "")

    def command(self):
        conf = write(os.path.join(self.work, "atoll.ini"), self.configuration())
        return [self.program, "serve", "--devel", "--config", conf, "--data", self.data, "--listen",
                "127.0.0.1:%d" % self.port, "--metrics-listen", "127.0.0.1:%d" % self.metrics_port]

    def environment(self):
        return {"ATOLL_ADMIN_PASSWORD": PASSWORD, "ATOLL_PLUGIN_PATH": os.path.join(self.build, "plugins")}

    def add_user(self, name):
        subprocess.run([self.program, "user", "add", name, "--password-stdin", "--data", self.data], check=True,
                       input=PASSWORD.encode(), capture_output=True, env=dict(os.environ, **self.environment()))

    def fill(self, needs):
        """The same files, through the server: it keeps ids and an index."""
        def request(method, path, body=None, timeout=60):
            arguments = ["-X", method, "--max-time", str(timeout)]
            if body is not None:
                arguments += ["-T", body]
            subprocess.run(["curl", "-sS", "-f", "-k", "-o", "/dev/null", "-H", "Authorization: " + self.auth] + arguments +
                           [self.url + path], check=True)

        def put(part):
            c = wire.Connection("127.0.0.1", self.port)
            for path in part:
                c.send(("PUT %s%s HTTP/1.1\r\nHost: x\r\nAuthorization: %s\r\nContent-Length: 100\r\n\r\n" % (
                    self.prefix, path, self.auth)).encode() + b"x" * 100)
                if c.read_response("PUT").status not in (201, 204):
                    sys.exit("atoll: PUT %s failed" % path)
            c.close()

        for need in ["put"] + [n for n in needs if n.startswith("put/")]:
            parts = need.split("/")
            for folder in ("/".join(parts[:n + 1]) for n in range(len(parts))):
                if folder not in self.made:
                    request("MKCOL", folder)
                    self.made.add(folder)
        for folder, count in self.files.folders(needs):
            request("MKCOL", folder)
            if count > 10000:  # beside the server: faster, and the next listing takes them over
                below = os.path.join(self.data, "storage", "personal", "admin", folder)
                for n in range(count):
                    write(os.path.join(below, "file-%06d.txt" % n), "x" * 100)
                request("PROPFIND", folder, timeout=600)
                continue
            paths = ["%s/file-%05d.txt" % (folder, n) for n in range(count)]
            with concurrent.futures.ThreadPoolExecutor(8) as pool:
                list(pool.map(put, [paths[k::8] for k in range(8)]))
        for name in ("small", "large"):
            if name in needs:
                request("PUT", name + ".bin", getattr(self.files, name), 600)


class ManySpaces(Atoll):
    """One account that is a member of many spaces, all at one provider. `roots`: a file with the path of each."""

    def __init__(self, files, build, settings):
        super().__init__(files, build, "atoll-spaces", settings)
        self.roots = os.path.join(self.work, "roots")

    def fill(self, needs):
        """Written into the registry, as if made; the first request makes each at the provider."""
        self.stop()
        account = next(user["id"] for user in self.ask("user", "list")["users"] if user["name"] == "admin")
        spaces = [(str(uuid.uuid4()), str(uuid.uuid4())) for _ in range(self.files.spaces)]
        registry = sqlite3.connect(os.path.join(self.data, "registry.db"))
        with registry:
            for n, (space, birth) in enumerate(spaces):
                registry.execute(
                    "INSERT INTO spaces(id,birth,type,state,owner,name,alias,description,provider,endpoint,quota,root_etag,"
                    "created_ns) VALUES(?,?,2,3,?,?,?,'','storage:home','',-1,'',0)",
                    (space, birth, space, "space %d" % n, "project/space-%d" % n))
                registry.execute("INSERT INTO members(space,kind,account,permissions,role,expires_ns) VALUES(?,1,?,1023,'',0)",
                                 (space, account))
        registry.close()
        write(self.roots, "".join("/dav/spaces/%s$%s/\n" % (birth, space) for space, birth in spaces))
        self.start()
        paths = open(self.roots, encoding="ascii").read().split()
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            list(pool.map(self.visit, [paths[k::8] for k in range(8)]))

    def ask(self, *words):
        done = subprocess.run([self.program, *words, "--json", "--data", self.data, "--config",
                               os.path.join(self.work, "atoll.ini"), "--devel"], check=True, capture_output=True,
                              env=dict(os.environ, **self.environment()))
        return json.loads(done.stdout)

    def visit(self, paths):
        c = wire.Connection("127.0.0.1", self.port)
        for path in paths:
            c.send(("PROPFIND %s HTTP/1.1\r\nHost: x\r\nAuthorization: %s\r\nDepth: 0\r\nContent-Length: 0\r\n\r\n" % (
                path, self.auth)).encode())
            if c.read_response("PROPFIND").status != 207:
                sys.exit("%s: PROPFIND %s failed" % (self.name, path))
        c.close()


class ManyFiles(Atoll):
    """One space with very many files, 1,000 in a folder. They are empty, so that they need no gigabytes."""

    def __init__(self, files, build, settings):
        super().__init__(files, build, "atoll-files", settings)

    @property
    def index(self):
        return glob.glob(os.path.join(self.data, "storage-state", "index.db*"))

    def fill(self, needs):
        """Beside the server, which takes them over when it finds its index lost: that gives each its id."""
        self.serving()
        self.stop()
        below = os.path.join(self.data, "storage", "personal", "admin")
        for first in range(0, self.files.nodes, 1000):
            folder = os.path.join(below, "folder-%04d" % (first // 1000))
            os.makedirs(folder)
            for n in range(first, min(first + 1000, self.files.nodes)):
                os.close(os.open(os.path.join(folder, "file-%07d.txt" % n), os.O_WRONLY | os.O_CREAT, 0o640))
        for part in self.index:
            os.unlink(part)
        self.start()
        self.serving()

    def serving(self):
        """Waits until the root of the space is told; a rebuild answers 503 until then."""
        while True:
            c = wire.Connection("127.0.0.1", self.port)
            c.send(("PROPFIND %s HTTP/1.1\r\nHost: x\r\nAuthorization: %s\r\nDepth: 0\r\nContent-Length: 0\r\n\r\n" % (
                self.prefix, self.auth)).encode())
            status = c.read_response("PROPFIND").status
            c.close()
            if status == 207:
                return
            if status != 503:
                sys.exit("%s: PROPFIND of the root says %d" % (self.name, status))
            time.sleep(0.005)

    def start_serving(self):
        """Seconds from the start of the process until the space is served."""
        began = time.monotonic()
        self.start()
        self.serving()
        return time.monotonic() - began

    def kill(self):
        self.process.kill()
        self.process.wait()


class Nginx(Peer):
    def __init__(self, files, name="nginx", tls=False):
        self.name = name
        super().__init__(files)
        self.tls = tls

    def command(self):
        module = "/usr/lib/nginx/modules/ngx_http_dav_ext_module.so"
        tls = """ssl_certificate %s; ssl_certificate_key %s; ssl_protocols TLSv1.3;
    ssl_conf_command Options KTLS;""" % (self.files.certificate, self.files.key) if self.tls else ""
        conf = write(os.path.join(self.work, "nginx.conf"), """
load_module %s;
daemon off; worker_processes 2; pid %s/pid; error_log %s/error.log warn;
events { worker_connections 1024; }
http { types { text/plain txt; } default_type application/octet-stream; access_log off; sendfile on; tcp_nopush on;
  keepalive_requests 100000000; client_max_body_size 0; client_body_temp_path %s/body; client_body_buffer_size 64k;
  server { listen 127.0.0.1:%d%s; root %s; %s
    location / { dav_methods PUT DELETE MKCOL COPY MOVE; dav_ext_methods PROPFIND OPTIONS; create_full_put_path on;
      dav_access user:rw group:rw all:r; } } }
""" % (module, self.work, self.work, self.work, self.port, " ssl" if self.tls else "", self.data, tls))
        os.makedirs(os.path.join(self.work, "body"), exist_ok=True)
        subprocess.run(["chmod", "-R", "a+rwX", self.work], check=True)
        return ["nginx", "-c", conf, "-p", self.work]


class Apache(Peer):
    name = "apache"

    def command(self):
        modules = ["mpm_event", "authn_core", "authz_core", "dav", "dav_fs", "mime", "setenvif"]
        root = "User www-data\nGroup www-data\n" if os.getuid() == 0 else ""
        conf = write(os.path.join(self.work, "httpd.conf"), "".join(
            "LoadModule %s_module /usr/lib/apache2/modules/mod_%s.so\n" % (m, m) for m in modules) + root + """
ServerRoot %s
PidFile %s/pid
Listen 127.0.0.1:%d
ServerName 127.0.0.1
ErrorLog %s/error.log
TypesConfig /etc/mime.types
DavLockDB %s/DavLock
KeepAlive On
MaxKeepAliveRequests 0
StartServers 2
ThreadsPerChild 32
ServerLimit 4
MaxRequestWorkers 128
EnableSendfile On
DocumentRoot %s
<Directory %s>
  Require all granted
  Dav On
</Directory>
""" % (self.work, self.work, self.port, self.work, self.work, self.data, self.data))
        subprocess.run(["chmod", "-R", "a+rwX", self.work], check=True)
        return ["apache2", "-f", conf, "-DFOREGROUND"]


class ManyAccounts(Atoll):
    """Many accounts, named by a first name, a last name and a number, from a file of accounts."""
    sections = {**Atoll.sections, "[http:graph]": "plugin = api-graph"}
    first = "Ada Albert Marie Niels Lise Emmy Max Erwin Chien Rosalind Otto Clara Jun Aino Ngozi Ravi Ilse Tomas Wanda Yuki"
    last = "Lovelace Einstein Curie Bohr Meitner Noether Planck Wu Franklin Hahn Immerwahr Murai Virtanen Okafor Menon Berg Novak"

    def fill(self, needs):
        first, last = self.first.split(), self.last.split()
        lines = ["name,display_name,mail"]
        for n in range(self.files.accounts):
            a, b = first[n % len(first)], last[n % len(last)]
            name = "%s.%s.%06d" % (a.lower(), b.lower(), n)
            lines.append("%s,%s %s,%s@example.org" % (name, a, b, name))
        path = write(os.path.join(self.work, "accounts.csv"), "\n".join(lines) + "\n")
        subprocess.run([self.program, "user", "import", path, "--data", self.data], check=True, capture_output=True,
                       env=dict(os.environ, **self.environment()))

    def search(self, text):
        return "http://127.0.0.1:%d/graph/v1.0/users?$search=%s" % (self.port, text)


class Rclone(Peer):
    name, caches = "rclone", True

    def command(self):
        return ["rclone", "--config", "/dev/null", "serve", "webdav", self.data, "--addr", "127.0.0.1:%d" % self.port,
                "--vfs-cache-mode", "off", "--dir-cache-time", "1h"]


def all_peers(files, build):
    """By name; rows say which of them they measure."""
    known = subprocess.run([os.path.join(build, "core/main/atoll"), "config", "keys", "--markdown"], capture_output=True,
                           text=True, env=dict(os.environ, ATOLL_PLUGIN_PATH=os.path.join(build, "plugins"))).stdout
    settings = {}
    if "`checksums`" in known:
        settings = {"sha1": "checksums = sha1", "all": "checksums = sha1 md5 adler32"}
    every = {"[http:webdav]": settings.get("all", "")}
    none, crash = ({"[storage:home]": "durability = " + word} for word in ("none", "crash"))
    made = {
        "atoll": lambda: Atoll(files, build, "atoll", every),
        "atoll-none": lambda: Atoll(files, build, "atoll-none", {**every, **none}),
        "atoll-crash": lambda: Atoll(files, build, "atoll-crash", {**every, **crash}),
        "atoll-spaces": lambda: ManySpaces(files, build, every),
        "atoll-accounts": lambda: ManyAccounts(files, build, "atoll-accounts", every),
        "atoll-files": lambda: ManyFiles(files, build, every),
        "nginx": lambda: Nginx(files),
        "nginx-tls": lambda: Nginx(files, "nginx-tls", True),
        "apache": lambda: Apache(files),
        "rclone": lambda: Rclone(files),
    }
    if settings:
        made["atoll-sha1"] = lambda: Atoll(files, build, "atoll-sha1", {**none, "[http:webdav]": settings["sha1"]})
    if "`tls_certificate`" in known:
        made["atoll-tls"] = lambda: Atoll(files, build, "atoll-tls", {
            **every, "[server]": "tls = files\ntls_certificate = %s\ntls_key = %s" % (files.certificate, files.key)})
    return made
