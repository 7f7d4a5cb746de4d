# workerd's configuration: one Worker whose binding HYPERDRIVE is the MySQL server at DATABASE_PORT.
# The tests replace the words in capitals. https://github.com/cloudflare/workerd
using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    ( name = "main", worker = .mainWorker ),
    ( name = "database", external = ( address = "127.0.0.1:DATABASE_PORT", tcp = () ) ),
  ],
  sockets = [
    ( name = "http", address = "127.0.0.1:HTTP_PORT", http = (), service = "main" ),
  ],
);

const mainWorker :Workerd.Worker = (
  modules = [ ( name = "worker.mjs", esModule = embed "worker.js" ) ],
  compatibilityDate = "2025-09-01",
  compatibilityFlags = ["nodejs_compat"],
  bindings = [
    ( name = "HYPERDRIVE", hyperdrive = (
        designator = "database", database = "DATABASE_NAME", user = "DATABASE_USER",
        password = "DATABASE_PASSWORD", scheme = "mysql" ) ),
  ],
);
