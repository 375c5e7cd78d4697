using Kv.Actors.Nodes;
using Kv.Actors.Publishing;
using Kv.Core.Store;
using Entries = Kv.Actors.Tests.Core.Entries;

namespace Kv.Actors.Tests.Publishing;

public sealed class AnswerGateTests
{
    private readonly AnswerGate _gate = new(AckLevel.Persisted);

    [Fact]
    public void Under_replicated_an_applied_command_is_answered_at_once_and_nothing_is_refused()
    {
        var gate = new AnswerGate(AckLevel.Replicated);

        PendingCommand pending = Answer(gate, offset: 5);

        Assert.True(pending.Reply.IsCompletedSuccessfully);
        Assert.Equal("", gate.Refusal);
    }

    [Fact]
    public void Under_persisted_it_is_answered_when_its_offset_is_persisted_and_in_order()
    {
        PendingCommand first = Answer(_gate, offset: 5);
        PendingCommand second = Answer(_gate, offset: 9);

        _gate.Note(8, "");

        Assert.True(first.Reply.IsCompletedSuccessfully);
        Assert.False(second.Reply.IsCompleted);
        Assert.True(second.IsApplied);
        _gate.Note(9, "");
        Assert.True(second.Reply.IsCompletedSuccessfully);
        Assert.Equal(0, _gate.HeldCount);
    }

    [Fact]
    public void What_is_persisted_already_is_answered_at_once()
    {
        _gate.Note(9, "");

        Assert.True(Answer(_gate, offset: 9).Reply.IsCompletedSuccessfully);
    }

    [Fact]
    public async Task An_end_answers_that_it_was_applied_and_not_that_the_outcome_is_unknown()
    {
        PendingCommand pending = Answer(_gate, offset: 5);

        _gate.Fail("The node stopped.");

        KvException error = await Assert.ThrowsAsync<KvException>(() => pending.Reply);
        Assert.Equal(KvError.NotPersisted, error.Code);
        Assert.Equal("Applied, not persisted. The node stopped.", error.Message);
    }

    [Fact]
    public void Before_anything_is_known_of_the_others_journals_it_refuses()
    {
        Assert.NotEqual("", _gate.Refusal);

        _gate.Note(-1, "");

        Assert.Equal("", _gate.Refusal);
    }

    private static PendingCommand Answer(AnswerGate gate, long offset)
    {
        var pending = new PendingCommand(Entries.Set("a", "1"), requestId: null);
        gate.Answer(offset, pending, new Reply.Done { Order = 1, Revision = 1 });
        return pending;
    }
}
