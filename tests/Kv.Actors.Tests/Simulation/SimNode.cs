using Akka.Event;
using Kv.Actors.Log;
using Kv.Actors.Publishing;
using Kv.Actors.Store;
using Kv.Core.Entries;
using Kv.Core.Snapshots;
using Kv.Core.Store;

namespace Kv.Actors.Tests.Simulation;

/// <summary>
/// One life of a node's process, from start to crash: the real follower, store and publisher between
/// simulated mailboxes, timers and connections.
/// </summary>
internal sealed class SimNode : IPublisherPort, ILogFollowerPort
{
    private readonly SimWorld _world;
    private readonly SimMailbox _storeMail;
    private readonly SimMailbox _publisherMail;
    private readonly SimChannel _channel;
    private readonly SimFeed _feed;
    private readonly PublisherCore _publisher;
    private readonly EntryStamp _stamp;
    private readonly Dictionary<PublisherTimer, int> _timers = [];
    private readonly SimDisk _disk;
    private readonly SimDisk.Snapshot? _snapshot;
    private SimRegistrar? _registrar;
    private Action<StoreActor.ResumePoint> _resumeAsker = static _ => { };
    private bool _isDead;

    /// <param name="snapshot">What it starts from; null: it starts empty.</param>
    internal SimNode(SimWorld world, int number, SimDisk disk, SimDisk.Snapshot? snapshot)
    {
        _world = world;
        Number = number;
        Id = $"n{number}";
        _storeMail = new SimMailbox(world.Time, MailDelayMs);
        _publisherMail = new SimMailbox(world.Time, MailDelayMs);
        _channel = new SimChannel(world, Id);
        _feed = new SimFeed(world, this);
        _stamp = new EntryStamp(world.Time);
        Follower = new LogFollower(disk.ClusterId, this);
        Follower.Await("a state to go on from");
        (_disk, _snapshot) = (disk, snapshot);
        _publisher = new PublisherCore(
            Id, world.Plan.Publisher, _stamp, world.Dice.Number, this, NoLogger.Instance);
        Witness = new NodeWitness(world, this);
    }

    internal int Number { get; }

    internal string Id { get; }

    internal LogFollower Follower { get; }

    internal NodeWitness Witness { get; }

    internal EntryWindow Window => _publisher.Window;

    /// <summary>Longest time a message waits in a mailbox, ms.</summary>
    internal int MailDelayMsMax { get; set; } = 2;

    internal bool IsDead => _isDead;

    internal void Start()
    {
        _publisherMail.Post(_publisher.Start);
        _world.Time.In(_world.Plan.Publisher.ReadBackTimeoutMs, CheckReadBack);
        _feed.Start();
        _storeMail.Post(() => Begin(_snapshot));
    }

    /// <summary>Writes a snapshot: captured at once, on disk a while later.</summary>
    internal void SaveSnapshot() => _storeMail.Post(() =>
    {
        if (Follower.Store.Genesis is null || Follower.IsHalted)
        {
            return;
        }
        StoreCapture capture = Follower.Store.Capture();
        IReadOnlyDictionary<long, (Digest, Digest)> seen = Witness.CopySeen();
        _world.Time.In(_world.Dice.Between(1, 100), () =>
        {
            if (!_isDead)
            {
                _world.Transcript.Add($"{Id}        has a snapshot at {capture.Header.AppliedOffset}");
                _disk.Save(capture, seen);
            }
        });
    });

    /// <summary>Appends the feed's probe of the log's tail.</summary>
    internal void AppendProbe(StoreActor.ResumePoint at, Action<Exception?> end) => _channel.Append(
        _stamp.Encode(
            [new LoggedCommand(new Command.Barrier())],
            at.ClusterId,
            LogEntry.NoProducer,
            sequence: 0,
            new EntryStamp.Basis(at.Offset, at.Chain)),
        end);

    internal void SeeTail(StoreActor.TailSeen seen) => _storeMail.Post(() => Follower.CheckTail(seen));

    internal void Submit(PendingCommand pending) => PostToPublisher(() =>
    {
        if (!_world.Broken.AnswersAtOnce(this, pending))
        {
            _publisher.Submit(pending);
        }
    });

    internal void Drain() => PostToPublisher(_publisher.Drain);

    /// <summary>The node's orderly end: whoever still waits is told.</summary>
    internal void Stop()
    {
        PostToPublisher(() =>
        {
            _publisher.Stop();
            _publisherMail.Close();
            _world.Time.In(1, () => _world.NodeEnds(this));
        });
    }

    /// <summary>The process ends, with or without notice: what it had in memory is gone.</summary>
    internal void Die()
    {
        _isDead = true;
        _storeMail.Close();
        _publisherMail.Close();
        _feed.Stop();
        _channel.Break(int.MaxValue);
    }

    internal void BreakChannel(int downMs) => _channel.Break(downMs);

    internal void BreakFeed(int downMs) => _feed.Break(downMs);

    internal void AskResumePoint(Action<StoreActor.ResumePoint> answer) => _storeMail.Post(() =>
    {
        _resumeAsker = answer;
        Follower.GiveResumePoint();
    });

    internal void Deliver(StoreActor.FeedRun run, Action acknowledge) => _storeMail.Post(() =>
    {
        Witness.BeforeRun(run);
        bool goesOn = _world.Broken.Deliver(this, run);
        Witness.AfterRun();
        if (goesOn)
        {
            acknowledge();
        }
    });

    public void Append(long producerId, long sequence, byte[] entry)
    {
        byte[] bytes = _world.Broken.BytesToAppend(this, sequence, entry);
        _channel.Append(bytes, failure => PostToPublisher(() =>
        {
            Exception? told = _world.Broken.EndOfAppend(this, sequence, bytes, failure);
            string end = told?.Message ?? "confirmed";
            _world.Transcript.Add($"{Id}        learns of {producerId}.{sequence}: {end}");
            _publisher.EndAppend(producerId, sequence, told);
        }));
    }

    public void BeginRegistration(UInt128 nonce)
    {
        _registrar?.Stop();
        _registrar = new RegistrarPort(this, nonce).Registrar;
        _registrar.Start();
        _storeMail.Post(() => Follower.Attach(nonce));
    }

    public void FoundRegistration(ulong clusterId) => _registrar?.Found(clusterId);

    public void EndRegistration() => _registrar?.Stop();

    public void StartTimer(PublisherTimer timer, long delayMs)
    {
        CancelTimer(timer);
        int run = _timers[timer];
        _world.Time.In(delayMs, () => PostToPublisher(() =>
        {
            if (_timers[timer] != run)
            {
                return;
            }
            if (timer == PublisherTimer.AppendAgain)
            {
                _publisher.AppendNew();
            }
            else
            {
                _publisher.EndOutageGrace();
            }
        }));
    }

    public void CancelTimer(PublisherTimer timer) => _timers[timer] = _timers.GetValueOrDefault(timer) + 1;

    public void Drained() => Stop();

    public void ClusterKnown(ulong clusterId) => _disk.ClusterId = clusterId;

    public void Applied(LogRecord record, AppliedEntry applied) => Witness.Applied(record.Offset, applied);

    public void Resume(StoreActor.ResumePoint point)
    {
        Witness.Resume(point);
        _resumeAsker(point);
    }

    public void Halted(string why) => Witness.Halted(why);

    public void NeedsSnapshot(long offsetMin, ulong clusterId, string why)
    {
        if (!_world.Log.IsTruncated)
        {
            throw new SimulationFailure($"{Id} wants a peer's snapshot though its log is whole: {why}");
        }
        _world.Met("a need of a peer's snapshot");
        _world.Transcript.Add($"{Id}        needs a snapshot from {offsetMin} on: {why}");
        AskPeers(offsetMin);
    }

    public void StartFeedAnew() => _feed.StartAnew();

    public void TellPublisher(object word) => PostToPublisher(() =>
    {
        switch (_world.Broken.WordToPublisher(this, word))
        {
            case PublisherActor.Founded founded:
                _publisher.Found(founded.ClusterId);
                break;
            case PublisherActor.LogBeganLate:
                _publisher.AwaitCluster();
                break;
            case PublisherActor.Registered registered:
                _world.Transcript.Add($"{Id}        is ready as producer {registered.ProducerId}");
                _publisher.TakeRegistered(registered);
                break;
            case PublisherActor.Applied applied:
                _publisher.NoteApplied(applied);
                break;
            case PublisherActor.ReadBack back:
                _publisher.TakeReadBack(back);
                break;
            case PublisherActor.Halted halted:
                _publisher.Halt(halted.Why);
                break;
        }
    });

    private void Begin(SimDisk.Snapshot? snapshot)
    {
        if (snapshot is not null)
        {
            _world.Met("a start from a snapshot");
            _world.Transcript.Add($"{Id}        goes on from a snapshot at {snapshot.Offset}");
            Witness.GoOnFrom(snapshot);
        }
        // A peer cannot be told from a log that was rewritten.
        Follower.Begin(snapshot?.Restore(), mayBeReplaced: !_world.Plan.RewritesLog);
    }

    private void AskPeers(long offsetMin) => _world.Time.In(_world.Dice.Between(10, 300), () =>
    {
        SimNode? peer = _world.LiveNodes.FirstOrDefault(
            peer => peer != this && peer.Follower.Store.AppliedOffset >= offsetMin);
        if (peer is null)
        {
            AskPeers(offsetMin);
            return;
        }
        var disk = new SimDisk();
        disk.Save(peer.Follower.Store.Capture(), peer.Witness.CopySeen());
        _storeMail.Post(() => Begin(disk.Snapshots[0]));
    });

    private void PostToPublisher(Action handle) => _publisherMail.Post(() =>
    {
        handle();
        Witness.CheckWindow();
        _world.CollectAnswers(this);
    });

    private void CheckReadBack()
    {
        if (!_isDead)
        {
            PostToPublisher(_publisher.AppendAgainWhatIsOverdue);
            _world.Time.In(_world.Plan.Publisher.ReadBackTimeoutMs, CheckReadBack);
        }
    }

    private int MailDelayMs() => _world.Dice.Between(0, MailDelayMsMax);

    private sealed class RegistrarPort : IRegistrarPort
    {
        private readonly SimNode _node;

        internal RegistrarPort(SimNode node, UInt128 nonce)
        {
            _node = node;
            Registrar = new SimRegistrar(
                node._world.Time,
                node.MailDelayMs,
                new RegistrarCore(
                    node.Id,
                    node._world.Plan.Publisher,
                    node._stamp,
                    nonce,
                    node._world.Dice.Number,
                    this,
                    NoLogger.Instance));
        }

        internal SimRegistrar Registrar { get; }

        public void Append(byte[] entry) => _node._channel.Append(entry, Registrar.EndAppend);

        public void ScheduleAppend(long delayMs) => Registrar.ScheduleAppend(delayMs);

        public void ReportTrouble(string why) => _node.PostToPublisher(
            () => _node._publisher.NoteRegistrationTrouble(why));
    }
}

/// <summary>The registrar's mailbox and timer.</summary>
internal sealed class SimRegistrar(Timeline time, Func<int> mailDelayMs, RegistrarCore core)
{
    private readonly SimMailbox _mail = new(time, mailDelayMs);
    private int _timer;

    internal void Start() => _mail.Post(core.Start);

    internal void Stop() => _mail.Close();

    internal void Found(ulong clusterId) => _mail.Post(() => core.Found(clusterId));

    internal void EndAppend(Exception? failure) => _mail.Post(() => core.EndAppend(failure));

    internal void ScheduleAppend(long delayMs)
    {
        int run = ++_timer;
        time.In(delayMs, () => _mail.Post(() =>
        {
            if (_timer == run)
            {
                core.Append();
            }
        }));
    }
}
