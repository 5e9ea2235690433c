"""Stand-ins for package registries: one small package each for apt, npm and pip."""

import base64
import hashlib
import io
import json
import subprocess
import tarfile
import zipfile


def tar_gz(files):
    """A gzipped tar archive of name -> text."""
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w:gz") as archive:
        for name, text in files.items():
            data = text.encode()
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), 0o755
            archive.addfile(entry, io.BytesIO(data))
    return output.getvalue()


def npm_files(host, name="rootcell-test"):
    """Path -> bytes of a registry with one package."""
    manifest = {"name": name, "version": "1.0.0", "main": "index.js"}
    archive = tar_gz({
        "package/package.json": json.dumps(manifest),
        "package/index.js": "module.exports = 'from npm';\n",
    })
    integrity = "sha512-" + base64.b64encode(hashlib.sha512(archive).digest()).decode()
    listing = {
        "name": name, "dist-tags": {"latest": "1.0.0"},
        "versions": {"1.0.0": {**manifest, "dist": {
            "tarball": f"https://{host}/{name}/-/{name}-1.0.0.tgz", "integrity": integrity}}},
    }
    return {f"/{name}": json.dumps(listing).encode(), f"/{name}/-/{name}-1.0.0.tgz": archive}


def pip_files(name="rootcell_test"):
    """Path -> bytes of a simple index with one wheel."""
    output = io.BytesIO()
    info = f"{name}-1.0.0.dist-info"
    with zipfile.ZipFile(output, "w") as wheel:
        wheel.writestr(f"{name}.py", "print('from pip')\n")
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0.0\n")
        wheel.writestr(f"{info}/WHEEL",
                       "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
    file = f"{name}-1.0.0-py3-none-any.whl"
    dashed = name.replace("_", "-")
    page = f'<!DOCTYPE html><a href="/files/{file}">{file}</a>'.encode()
    return {f"/simple/{dashed}/": page, f"/files/{file}": output.getvalue()}


def apt_files(folder, name="rootcell-test"):
    """Path -> bytes (None: not found) of an unsigned flat repository with one package."""
    tree = folder / "deb"
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "DEBIAN" / "control").write_text(
        f"Package: {name}\nVersion: 1.0\nArchitecture: all\nMaintainer: Tests <t@example.com>\n"
        "Description: a package of the tests\n")
    (tree / "usr" / "share" / name).mkdir(parents=True)
    (tree / "usr" / "share" / name / "hello").write_text("from apt\n")
    package = folder / f"{name}.deb"
    subprocess.run(["dpkg-deb", "--root-owner-group", "-b", tree, package], check=True,
                   stdout=subprocess.DEVNULL)
    data = package.read_bytes()
    listing = (
        f"Package: {name}\nVersion: 1.0\nArchitecture: all\nMaintainer: Tests <t@example.com>\n"
        f"Filename: ./{name}.deb\nSize: {len(data)}\nSHA256: {hashlib.sha256(data).hexdigest()}\n"
        "Description: a package of the tests\n\n").encode()
    release = (
        f"Date: Thu, 01 Jan 2026 00:00:00 UTC\nSHA256:\n {hashlib.sha256(listing).hexdigest()} "
        f"{len(listing)} Packages\n").encode()
    # apt writes the folder of a flat repository into the path as it stands in the source line.
    return {
        "/apt/./Packages": listing, "/apt/./Release": release, f"/apt/./{name}.deb": data,
        "/apt/./InRelease": None, "/apt/./Release.gpg": None, "/apt/./Packages.xz": None,
    }


def serve(origin, files):
    """Let an origin answer these paths."""
    for path, data in files.items():
        def answer(request, connection, data=data, path=path):
            connection.read_body(request)
            if data is None:
                connection.answer(b"", status="404 Not Found")
                return True
            kind = "text/html" if path.endswith("/") else "application/octet-stream"
            connection.answer(b"" if request.method == "HEAD" else data, kind=kind)
            return True

        origin.scripts[path] = answer
