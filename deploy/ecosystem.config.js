// pm2 process of the ERP scheduler:  pm2 start deploy/ecosystem.config.js && pm2 save
// Settings come from deploy/.env if it exists (a copy of deploy/.env.example); the shell's own variables win over it.
const fs = require("fs");
const path = require("path");

const checkout = path.resolve(__dirname, "..");
const settings = readSettings(path.join(__dirname, ".env"));
const drainSeconds = Number(process.env.ERP_SCHEDULER_DRAIN_SECONDS || settings.ERP_SCHEDULER_DRAIN_SECONDS || 60);

function readSettings(file) {
  const found = {};
  if (!fs.existsSync(file)) return found;
  for (const line of fs.readFileSync(file, "utf8").split(/\r?\n/)) {
    const match = line.match(/^\s*([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*?)\s*$/);
    if (match && !(match[1] in process.env)) found[match[1]] = match[2].replace(/^(["'])(.*)\1$/, "$2");
  }
  return found;
}

module.exports = {
  apps: [
    {
      name: "erp-scheduler",
      script: path.join(checkout, ".venv", "bin", "erp-scheduler"),
      // The daemon keeps a web process beside itself, at http://localhost:3000/scheduler; "start --no-web" leaves it out.
      args: "start",
      interpreter: "none",
      cwd: checkout,
      exec_mode: "fork",
      instances: 1,
      watch: false,
      // "online" means that the daemon has said so itself.
      wait_ready: true,
      listen_timeout: 30000,
      // SIGINT goes to the daemon alone, which drains; with treekill the running handlers would die at once. The time is
      // that of the drain, then of ending and recording what still runs.
      treekill: false,
      kill_timeout: (drainSeconds + 30) * 1000,
      // Restarts come at growing distances, up to 15 s, as long as PostgreSQL is away.
      autorestart: true,
      exp_backoff_restart_delay: 100,
      max_restarts: 1000,
      // 2 = the settings are wrong: starting again cannot help.
      stop_exit_codes: [2],
      env: { PYTHONUNBUFFERED: "1", ...settings },
    },
  ],
};
