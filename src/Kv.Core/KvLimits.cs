namespace Kv.Core;

/// <summary>
/// Every limit of the store, with its unit and its reason. At each the caller gets a specific error.
/// </summary>
public static class KvLimits
{
    /// <summary>
    /// Largest command: key and value bytes together. etcd's default request limit (1.5 MiB), so that what
    /// etcd takes fits here, too.
    /// </summary>
    public const int RequestBytesMax = 1_572_864;

    /// <summary>
    /// Largest entry by group commit, bytes. Beyond about 128 KiB larger entries gain no throughput and
    /// cost latency. A single command larger than this travels in an entry of its own.
    /// </summary>
    public const int EntryBytesTarget = 131_072;

    /// <summary>Most commands in one entry. Keeps one apply step short.</summary>
    public const int EntryCommandsMax = 1_024;

    /// <summary>
    /// Most entries appended by one node and not yet read back. Batching beats wide windows.
    /// </summary>
    public const int EntriesInFlightMax = 4;

    /// <summary>
    /// Most commands under way in one node: a second or two of work. With more, calls would end at their
    /// deadlines instead of being refused at once. Beyond: RESOURCE_EXHAUSTED.
    /// </summary>
    public const int CommandsWaitingMax = 4_096;

    /// <summary>
    /// Most calls under way at one node; fewer, where they take longer than
    /// <see cref="CallDelayMsTarget"/>. Further ones are refused before they are decoded. Beyond:
    /// RESOURCE_EXHAUSTED.
    /// </summary>
    public const int CallsUnderWayMax = 2_048;

    /// <summary>
    /// So many calls are taken however long they take: enough to fill entries by group commit.
    /// </summary>
    public const int CallsUnderWayMin = 256;

    /// <summary>
    /// How long calls may take under more load than a node can bear, ms: far below clients' usual deadlines,
    /// so that what is taken in is also answered, and above what a collection or a snapshot holds up.
    /// </summary>
    public const int CallDelayMsTarget = 500;

    /// <summary>
    /// Bytes of a refused call's message that are waited for and dropped, 64 KiB: what clients send without
    /// being asked for more. A longer one is cut off.
    /// </summary>
    public const int RefusedBytesMax = 65_536;

    /// <summary>
    /// How long a node keeps a call that it refuses for too many, ms. A refusal costs a tenth of a write of
    /// 16 KiB or more: where it is told at once, clients that come again at once, or have more calls waiting
    /// than their connection carries, leave no time for writes. Below clients' usual deadlines.
    /// </summary>
    public const int RefusalDelayMs = 2_000;

    /// <summary>
    /// Most refused calls kept at once by one process; each takes a few KiB. Further ones are told at once.
    /// </summary>
    public const int RefusalsKeptMax = 8_192;

    /// <summary>Most bytes of commands under way in one node, 16 MiB. Beyond: RESOURCE_EXHAUSTED.</summary>
    public const int BytesWaitingMax = 16_777_216;

    /// <summary>
    /// Most producers the replicated table remembers. A node takes one per start, so this is about a thousand
    /// restarts of anything before the one that was silent for longest is forgotten and has to register anew.
    /// </summary>
    public const int ProducersMax = 1_024;

    /// <summary>Most request ids the replicated table remembers; about 100 B each.</summary>
    public const int RequestIdsMax = 65_536;

    /// <summary>
    /// Entries whose chain digest is remembered, to compare with a producer's basis. Far above what can be in
    /// flight in a cluster.
    /// </summary>
    public const int ChainDigestsMax = 4_096;

    /// <summary>
    /// Size at which a snapshot's chunk is closed, bytes: large enough to hash and write well, small enough
    /// to be held several times over.
    /// </summary>
    public const int SnapshotChunkBytesTarget = 131_072;

    /// <summary>
    /// Largest chunk accepted when reading a snapshot, bytes: one record that just did not fit any more, of a
    /// cluster with ten times our request limit. What claims to be larger is damaged.
    /// </summary>
    public const int SnapshotChunkBytesMax = 16_777_216;

    /// <summary>
    /// Size at which a segment of the journal is closed, 16 MiB: the journal is removed by whole segments,
    /// and a start holds one in memory.
    /// </summary>
    public const int JournalSegmentBytes = 16_777_216;

    /// <summary>
    /// Most bytes applied and not yet written to the journal, 16 MiB: some tenths of a second of a disk.
    /// Beyond, the log is read no further until the disk has caught up.
    /// </summary>
    public const int JournalPendingBytesMax = 16_777_216;

    /// <summary>Most members a cluster may be meant to have.</summary>
    public const int ClusterSizeMax = 99;

    /// <summary>
    /// Most nodes whose newest snapshot is remembered; above <see cref="ClusterSizeMax"/>, since nodes come
    /// and go. Over the bound the oldest snapshot is forgotten.
    /// </summary>
    public const int SnapshotMarksMax = 256;

    /// <summary>Most offsets passed over that are remembered one by one; more are only counted.</summary>
    public const int SkippedOffsetsMax = 64;

    /// <summary>
    /// What a message of the log is taken to occupy on a broker beyond its own bytes: properties, headers
    /// and the stream's framing. Measured with RabbitMQ 3.10: 252 to 255 with an exchange name of 10 bytes,
    /// which is stored with each message and may have 200. Part of the rules of apply.
    /// </summary>
    public const int LogMessageBytesExtra = 512;

    /// <summary>
    /// Most compares, and most commands in each list of a transaction; a nested one has what its outer one
    /// leaves of them. etcd's default.
    /// </summary>
    public const int TxnCommandsMax = 128;

    /// <summary>
    /// Deepest nesting of transactions. Protobuf readers take a hundred levels of messages, and a transaction
    /// is two: no client can send a deeper one.
    /// </summary>
    public const int TxnDepthMax = 64;

    /// <summary>
    /// Shortest time to live of a lease, s; a shorter one is raised to it. etcd's with its default election
    /// timeout.
    /// </summary>
    public const long LeaseTtlSecondsMin = 2;

    /// <summary>Longest time to live of a lease, s: etcd's.</summary>
    public const long LeaseTtlSecondsMax = 9_000_000_000;

    /// <summary>Most leases; about 300 B each. Beyond: RESOURCE_EXHAUSTED.</summary>
    public const int LeasesMax = 1_000_000;

    /// <summary>Most alarms that are on: some to each member a cluster may have had.</summary>
    public const int AlarmsMax = 1_024;

    /// <summary>
    /// Longest name of a user or a role, UTF-8 bytes: a user's stands in the log with each of its commands.
    /// </summary>
    public const int AuthNameBytesMax = 256;

    /// <summary>
    /// Longest hash of a password, bytes: bcrypt's has 60.
    /// </summary>
    public const int PasswordHashBytesMax = 256;

    /// <summary>What tokens are signed with, bytes: as many as HMAC-SHA-256 gives.</summary>
    public const int TokenKeyBytes = 32;

    /// <summary>
    /// Most bytes of users and roles with all that they may, <see cref="AuthRecordBytesExtra"/> to each of
    /// them, to each role of a user and to each permission: some ten thousands. Every node holds them in
    /// memory, and one role must fit a chunk of a snapshot. Beyond: RESOURCE_EXHAUSTED.
    /// </summary>
    public const int AuthBytesMax = 8_388_608;

    /// <summary>What a user, a role or a permission is taken to occupy beside its bytes.</summary>
    public const int AuthRecordBytesExtra = 128;

    /// <summary>
    /// Most users whose permissions a node keeps merged; with more they are merged again now and then.
    /// </summary>
    public const int MergedPermissionsMax = 1_024;

    /// <summary>
    /// What a record of a key is taken to occupy beside key and value, bytes: its object and its places in
    /// index and history.
    /// </summary>
    public const int RecordBytesExtra = 120;

    /// <summary>
    /// Most records of the history that are let go with each entry, once they were compacted: a tenth of a
    /// millisecond.
    /// </summary>
    public const int PrunedPerEntryMax = 1_024;

    /// <summary>Longest node id, UTF-8 bytes. It stands in every registration and log line.</summary>
    public const int NodeIdBytesMax = 64;

    /// <summary>
    /// Largest gRPC message sent or received, bytes: gRPC's usual 4 MiB, so that plain clients work.
    /// </summary>
    public const int MessageBytesMax = 4_194_304;

    /// <summary>
    /// Largest reply of etcd's API, bytes, 512 MiB: a range without a limit. Beyond: RESOURCE_EXHAUSTED; ask
    /// for pages.
    /// </summary>
    public const int EtcdReplyBytesMax = 536_870_912;

    /// <summary>
    /// Most calls open at once on one connection; further ones wait at the client, which costs a flooded node
    /// nothing. etcd's clients have all their watches in one call; a client that keeps more calls open than
    /// this needs another connection, which .NET's opens by itself.
    /// </summary>
    public const int StreamsPerConnectionMax = 256;

    /// <summary>
    /// Most streams of watches at one node; each holds a call of its client open. Beyond: RESOURCE_EXHAUSTED.
    /// </summary>
    public const int WatchStreamsMax = 16_384;

    /// <summary>
    /// Most watches at one node, about 500 B each. Beyond: the watch is cancelled with the reason.
    /// </summary>
    public const int WatchersMax = 1_000_000;

    /// <summary>
    /// Most bytes of events that wait for one stream's client, 8 MiB: some tenths of a second of a network.
    /// Beyond, its watches read the history when the client has read.
    /// </summary>
    public const int WatchStreamBytesQueuedMax = 8_388_608;

    /// <summary>
    /// Most bytes of them for one watch, 2 MiB: one that much happens to does not push all others of its
    /// stream into reading history.
    /// </summary>
    public const int WatcherBytesQueuedMax = 2_097_152;

    /// <summary>
    /// What an event is taken to occupy in a queue, and at most does in a message, beside keys and values.
    /// </summary>
    public const int WatchEventBytesExtra = 160;

    /// <summary>
    /// Size at which a reply to a watch is closed, 1 MiB: plain gRPC clients take 4 MiB. The events of one
    /// revision are one reply however large, as etcd has it.
    /// </summary>
    public const int WatchReplyBytesTarget = 1_048_576;

    /// <summary>Most revisions in one reply to a watch that comes up from the past; etcd's.</summary>
    public const int WatchReplyRevisionsMax = 1_000;

    /// <summary>
    /// Size beyond which a reply is sent in parts to a client that wants them so: etcd's, its request limit
    /// and 512 KiB.
    /// </summary>
    public const int WatchFragmentBytesMax = 2_097_152;

    /// <summary>
    /// Most mutations a stream reads from the history at once, before it looks at what else it has to send: a
    /// millisecond.
    /// </summary>
    public const int WatchCatchUpMutationsMax = 8_192;

    /// <summary>
    /// Most comparisons, watches times mutations, with which the hub brings watches up that have nearly come
    /// up by themselves: a millisecond.
    /// </summary>
    public const int WatchRestComparesMax = 65_536;

    /// <summary>
    /// Most requests of one stream that are not answered yet; its further ones are not read until then.
    /// </summary>
    public const int WatchRequestsWaitingMax = 64;
}
