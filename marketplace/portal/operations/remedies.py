"""What an operator does when a part is not well, in both languages, by the part."""

from sandbox.api_schema import Words

REMEDIES: dict[str, Words] = {
    "portal.disk": {
        "en": "The portal's disk is nearly full. Delete old logs below CIHU_HOME, or enlarge the disk.",
        "zh": "门户所在磁盘将满。请清理 CIHU_HOME 下的旧日志，或扩充磁盘。",
    },
    "portal.database": {
        "en": "Postgres does not answer the portal, or its clock is apart. See whether it runs; set NTP.",
        "zh": "门户无法使用 Postgres，或两者时钟相差过大。请检查其是否运行，并启用 NTP。",
    },
    "portal.store": {
        "en": "The object store does not answer the portal. See whether it runs, then its keys.",
        "zh": "门户无法使用对象存储。请先检查其是否运行，再检查 S3 设置和密钥。",
    },
    "vault": {
        "en": "The vault does not answer. Run `cihu status`, and read its log; it starts again by itself.",
        "zh": "保险库没有响应。请运行 `cihu status` 并查看其日志；它会自动重新启动。",
    },
    "vault.disk": {
        "en": "The vault's disk is nearly full. Delete old logs below CIHU_HOME, or enlarge the disk.",
        "zh": "保险库所在磁盘将满。请清理 CIHU_HOME 下的旧日志，或扩充磁盘。",
    },
    "vault.database": {
        "en": "Postgres does not answer the vault, or its clock is apart. See whether it runs; set NTP.",
        "zh": "保险库无法使用 Postgres，或两者时钟相差过大。请检查其是否运行，并启用 NTP。",
    },
    "vault.store": {
        "en": "The raw bucket does not answer. See whether the store runs, then its keys and object lock.",
        "zh": "原始数据存储桶没有响应。请检查对象存储是否运行，再检查密钥和对象锁定。",
    },
    "vault.engine": {
        "en": "The engine does not compute. Start the vault again; if it lasts, install this version anew.",
        "zh": "计算引擎无法工作。请重新启动保险库；如仍不行，请重新安装本版本。",
    },
    "vault.runs": {
        "en": "No place for sealed runs. User namespaces or bubblewrap may be missing: read the vault's log.",
        "zh": "没有可用的密封运行位置。请查看保险库日志：可能缺少用户命名空间或 bubblewrap。",
    },
    "hub": {
        "en": "The hub does not answer: nobody can open a workspace. Run `cihu status`, and read its log.",
        "zh": "工作空间服务没有响应，无法打开工作空间。请运行 `cihu status` 并查看其日志。",
    },
    "puller": {
        "en": "Some sources could not be read. Their departments see why on the page Pulls.",
        "zh": "部分数据源读取失败。请查看相关部门的“定时采集”页和采集程序的日志。",
    },
    "disk": {
        "en": "Less than a tenth is free. Delete old logs, or enlarge the disk.",
        "zh": "剩余空间不足十分之一。请清理旧日志或扩充磁盘，以免无法写入。",
    },
    "certificate": {
        "en": "The certificate ends soon, or cannot be read. Renew it, and start what serves it again.",
        "zh": "证书即将到期或无法读取。请更新证书，并重新启动使用它的服务。",
    },
    "backup.bad": {
        "en": "No backup in time. Make one, and record it: `cihu backups record`.",
        "zh": "没有按时备份。请备份，并用 `cihu backups record` 登记。",
    },
    "backup.warning": {
        "en": "No backup was verified in the last quarter. Restore one elsewhere, look, and record it.",
        "zh": "最近一个季度没有验证过备份。请在别处恢复并核查，然后登记。",
    },
}
