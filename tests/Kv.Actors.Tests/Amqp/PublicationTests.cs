using Kv.Actors.Log;
using Kv.Actors.Log.Amqp;
using RabbitMQ.Client;

namespace Kv.Actors.Tests.Amqp;

public sealed class PublicationTests
{
    private readonly Publication _publication = new("exchange", "", new BasicProperties(), new byte[1]);

    [Fact]
    public async Task One_given_up_while_it_waits_is_never_sent()
    {
        _publication.GiveUp(new CancellationToken(canceled: true));

        Assert.False(_publication.TryBeginSend());
        await Assert.ThrowsAsync<LogUnavailableException>(() => _publication.Ended);
    }

    [Fact]
    public async Task One_given_up_after_it_was_sent_has_an_unknown_outcome()
    {
        _publication.TryBeginSend();
        _publication.EndSend();

        _publication.GiveUp(new CancellationToken(canceled: true));

        await Assert.ThrowsAsync<LogOutcomeUnknownException>(() => _publication.Ended);
    }

    [Fact]
    public async Task The_outcome_is_held_back_while_the_body_is_being_read()
    {
        _publication.TryBeginSend();
        _publication.GiveUp(new CancellationToken(canceled: true));
        bool endedEarly = _publication.Ended.IsCompleted;

        _publication.EndSend();

        Assert.False(endedEarly);
        await Assert.ThrowsAsync<LogOutcomeUnknownException>(() => _publication.Ended);
    }

    [Fact]
    public async Task The_first_outcome_counts()
    {
        _publication.TryBeginSend();
        _publication.EndSend();

        _publication.Confirm();
        _publication.Fail(new LogOutcomeUnknownException("later"));

        await _publication.Ended;
    }

    [Fact]
    public void The_callers_properties_are_copied_and_not_changed()
    {
        var mine = new BasicProperties
        {
            MessageId = "id",
            Headers = new Dictionary<string, object?> { ["mine"] = 1 },
        };

        BasicProperties sent = new Publication("exchange", "", mine, new byte[1]).PropertiesWith(sequence: 7);

        Assert.Equal("id", sent.MessageId);
        Assert.Equal(7L, sent.Headers![AmqpTopology.PublishSequenceHeader]);
        Assert.Equal(["mine"], mine.Headers.Keys);
    }
}
