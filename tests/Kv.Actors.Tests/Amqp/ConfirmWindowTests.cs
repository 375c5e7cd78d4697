using Kv.Actors.Log.Amqp;
using RabbitMQ.Client;

namespace Kv.Actors.Tests.Amqp;

public sealed class ConfirmWindowTests
{
    private readonly ConfirmWindow _window = new(max: 4);

    [Fact]
    public void Publishes_are_numbered_from_1_as_the_broker_does()
    {
        Assert.Equal([1UL, 2UL, 3UL], Add(3));
    }

    [Fact]
    public void An_ack_frees_its_own_place_only()
    {
        Add(3);

        Assert.Equal([2UL], Numbers(_window.Take(2, multiple: false)));
        Assert.Equal([1UL, 3UL], Numbers(_window.TakeAll()));
    }

    [Fact]
    public void An_ack_of_several_frees_all_up_to_it_in_order()
    {
        Add(4);

        Assert.Equal([1UL, 2UL, 3UL], Numbers(_window.Take(3, multiple: true)));
        Assert.False(_window.IsFull);
    }

    [Fact]
    public void An_ack_of_what_is_not_here_frees_nothing()
    {
        Add(1);
        _window.Take(1, multiple: false);

        Assert.Empty(_window.Take(1, multiple: false));
        Assert.Empty(_window.Take(9, multiple: true));
    }

    [Fact]
    public void A_full_window_takes_no_more()
    {
        Add(4);

        Assert.True(_window.IsFull);
        Assert.Throws<InvalidOperationException>(() => Add(1));
    }

    [Fact]
    public void A_returned_message_keeps_its_place_and_its_reason_until_its_ack()
    {
        Add(2);

        Assert.True(_window.TryMarkReturned(2, "NO_ROUTE"));
        List<ConfirmWindow.Slot> acked = _window.Take(2, multiple: true);

        Assert.Equal([null, "NO_ROUTE"], acked.Select(slot => slot.ReturnedBecause));
    }

    [Fact]
    public void A_return_of_what_is_not_here_is_noticed()
    {
        Add(1);

        Assert.False(_window.TryMarkReturned(2, "NO_ROUTE"));
    }

    [Fact]
    public void What_is_overdue_keeps_its_place_as_the_broker_may_still_take_it()
    {
        _window.Add(NewPublication(), deadlineMs: 10);
        _window.Add(NewPublication(), deadlineMs: 20);

        Assert.Equal([1UL], Numbers(_window.Overdue(nowMs: 10)));
        Assert.Equal(10, _window.DeadlineMs);
        Assert.Equal([1UL, 2UL], Numbers(_window.TakeAll()));
    }

    [Fact]
    public void An_extension_gives_all_the_same_new_deadline()
    {
        _window.Add(NewPublication(), deadlineMs: 10);
        _window.Add(NewPublication(), deadlineMs: 20);

        _window.Extend(deadlineMs: 30);

        Assert.Empty(_window.Overdue(nowMs: 29));
        Assert.Equal([1UL, 2UL], Numbers(_window.Overdue(nowMs: 30)));
    }

    private static Publication NewPublication() =>
        new("exchange", "", new BasicProperties(), Array.Empty<byte>());

    private static List<ulong> Numbers(List<ConfirmWindow.Slot> slots) =>
        [.. slots.Select(slot => slot.Sequence)];

    private List<ulong> Add(int count) =>
        [.. Enumerable.Range(0, count).Select(_ => _window.Add(NewPublication(), deadlineMs: 0))];
}
