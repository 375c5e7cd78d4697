using Akka.Event;
using Kv.Actors.Log;
using Kv.Actors.Publishing;
using Kv.Actors.Store;
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
    private readonly KeyValueStore? _restored;
    private SimRegistrar? _registrar;
    private Action<StoreActor.ResumePoint> _resumeAsker = static _ => { };
    private bool _isDead;

    /// <param name="restored">From a snapshot; null: it starts empty.</param>
    internal SimNode(SimWorld world, int number, ulong expectedClusterId, KeyValueStore? restored)
    {
        _world = world;
        Number = number;
        Id = $"n{number}";
        _storeMail = new SimMailbox(world.Time, MailDelayMs);
        _publisherMail = new SimMailbox(world.Time, MailDelayMs);
        _channel = new SimChannel(world, Id);
        _feed = new SimFeed(world, this);
        _stamp = new EntryStamp(world.Time);
        Follower = new LogFollower(expectedClusterId, this);
        Follower.Await("a state to go on from");
        _restored = restored;
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
        _storeMail.Post(() => Follower.Begin(_restored, mayBeReplaced: false));
    }

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

    internal void Deliver(StoreActor.FeedRun run) => _storeMail.Post(() =>
    {
        Witness.BeforeRun(run);
        bool goesOn = _world.Broken.Deliver(this, run);
        Witness.AfterRun();
        if (goesOn)
        {
            _feed.Acknowledge();
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

    public void ClusterKnown(ulong clusterId) => _world.NoteCluster(Number, clusterId);

    public void Applied(LogRecord record, AppliedEntry applied) => Witness.Applied(record.Offset, applied);

    public void Resume(StoreActor.ResumePoint point)
    {
        Witness.Resume(point);
        _resumeAsker(point);
    }

    public void Halted(string why) => Witness.Halted(why);

    public void NeedsSnapshot(long offsetMin, ulong clusterId, string why) =>
        throw new SimulationFailure($"{Id} wants a peer's snapshot though its log is whole: {why}");

    public void StartFeedAnew() => BreakFeed(downMs: 0);

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
                _publisher.NoteApplied(applied.Offset, applied.Chain);
                break;
            case PublisherActor.ReadBack back:
                _publisher.TakeReadBack(back);
                break;
            case PublisherActor.Halted halted:
                _publisher.Halt(halted.Why);
                break;
        }
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
