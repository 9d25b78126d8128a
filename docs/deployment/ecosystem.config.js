// pm2 start docs/deployment/ecosystem.config.js
// PM2 sends SIGINT and kills after kill_timeout. Messages in flight are finished for WA_STOP_TIMEOUT (25 s).
const common = {
  script: "/opt/wa/bin/wa",
  interpreter: "none",
  autorestart: true,
  restart_delay: 2000,
  kill_timeout: 40000,
  env: { WA_LOG_FORMAT: "json" },
};

module.exports = {
  apps: [
    { ...common, name: "wa-serve", args: "serve" },
    { ...common, name: "wa-outgoing", args: "worker outgoing" },
    { ...common, name: "wa-incoming", args: "worker incoming" },
  ],
};
